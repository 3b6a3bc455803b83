"""History over HTTP: pictures and points as they were, and what each report changed; asked of the archive.

What is asked is answered in processes of their own, so that folding a whole log anew keeps nobody else waiting.
"""
