"""The command line: flags to an experiment to a job to an exit code."""
