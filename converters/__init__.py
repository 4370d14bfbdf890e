"""Model in, artifact out. Knows formats and toolkits, and nothing of the pipeline that orders them."""
