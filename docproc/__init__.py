"""docproc: PDFs and scans to text, layout and tables that a person can check. No Flask, no Celery in here."""
