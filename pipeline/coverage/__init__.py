"""Which operators each route does right: corpora of small models through every route, judged as any model is."""
