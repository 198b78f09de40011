"""Networks that others have proposed, to compare ours with; none of them runs live."""
