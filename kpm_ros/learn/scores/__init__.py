"""How good models are: scores, and tables and pictures of them."""
