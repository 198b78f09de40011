"""Every kind of model that can be trained and compared."""
