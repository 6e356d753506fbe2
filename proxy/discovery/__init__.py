"""The control plane: probing backends, reading their models, recognising engines."""
