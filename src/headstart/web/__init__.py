"""A skill as a folder of static files that answers in a browser: the exported skill, our decoder in JavaScript, a page, and onnxruntime-web."""
