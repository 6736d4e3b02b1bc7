"""Health cards: what a good colleague would say of a sweep, with the evidence.

A card claims no more than its evidence: what could be chance is tested, and corrected for how many places were looked
at. Two means are never compared.
"""
