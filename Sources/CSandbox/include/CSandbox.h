int csandbox_anchor(void);
