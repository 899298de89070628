"""How the platform runs: settings, urls, the web server, one command."""
