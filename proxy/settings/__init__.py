"""The typed settings tree, its loading, and the messages that explain what is wrong."""
