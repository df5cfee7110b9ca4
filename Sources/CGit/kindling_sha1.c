#include "kindling_sha1.h"
