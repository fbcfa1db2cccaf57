"""What someone did."""
