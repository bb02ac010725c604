"""The commands of `docproc`, one file each. Commands of `worker` and `web` come in by the entry-point group."""
