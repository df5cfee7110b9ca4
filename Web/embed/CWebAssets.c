int cwebassets_anchor(void) { return 0; }
