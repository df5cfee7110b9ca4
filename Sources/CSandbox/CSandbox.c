int csandbox_anchor(void) { return 0; }
