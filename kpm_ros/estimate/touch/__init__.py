"""TouchNet: hand and keys seen from the hand itself, a small recurrent network behind them."""
