// SHA-1 with detection of collision attacks, for the names of git objects.
#pragma once
