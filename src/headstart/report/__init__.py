"""The transfer report: every skill with every system, and tables and plots of what transfer gives."""
