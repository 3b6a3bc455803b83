"""Writing over HTTP: reports and orders, checked as intake checks them and stored before they are answered."""
