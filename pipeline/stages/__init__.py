"""One module a stage; each makes tasks. Stages meet only in stored results and never import each other."""
