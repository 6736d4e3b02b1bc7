"""The parts of reading a sweep file; `swept.spec` is the door.

document: text to values with their lines · findings: collecting problems · parameters, schema, options: the three areas of the
file · adapter: what is known of the program ·
agreement: whether the parts fit each other.
"""
