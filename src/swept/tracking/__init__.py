"""What a training process needs to report, behind `swept.sdk`; light to import.

joining: which run this process belongs to · recording: the run's reports, sent by a thread · reporting: the queue on disk ·
printed, console: what the program prints, as lines · workspace: the files of an attempt · values: configuration and summary ·
wandb_login: the key of the wandb client.
"""
