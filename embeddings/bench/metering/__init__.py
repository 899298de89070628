"""What metering costs, and whether it holds when it is pushed: exactness, kill -9."""
