"""Making the models that ship with docproc. Needs the extra `learn`; nothing else imports it."""
