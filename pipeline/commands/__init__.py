"""The verbs of the command line, by what they work on; each module registers its own."""
