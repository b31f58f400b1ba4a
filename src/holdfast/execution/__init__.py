"""Where jobs run. One protocol; knows nothing of what the jobs do."""
