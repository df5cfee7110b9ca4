int cwebassets_anchor(void);
