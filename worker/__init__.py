"""Celery around the library: workers that claim jobs from the database and do them.

Celery is imported only here. A message says no more than that there is work in a queue; what the work is, and who
does it, the database says (`docproc.store.jobs`). No Flask in here.
"""
