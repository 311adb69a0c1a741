"""A page to try a model in, with Gradio: answers are shown, and put right; what was put right becomes rows to train on."""
