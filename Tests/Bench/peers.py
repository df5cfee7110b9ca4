"""What other builders took elsewhere: another machine of two cores, another day, so only orders of magnitude compare.

Every build ended with the image pushed to a registry on loopback; kaniko starts a process for each build, and BuildKit's
daemon was running. (wall s, CPU s with children, peak MB of the largest process), medians."""
ELSEWHERE = {
    ("trivial", "cold"): {"kaniko": (0.17, 0.13, 39), "buildkit": (0.17, 0.12, 59)},
    ("trivial", "warm"): {"buildkit": (0.09, 0.07, 60)},
    ("trivial", "rebuild"): {"kaniko": (0.13, 0.08, 38), "buildkit": (0.06, 0.05, 63)},
    ("runs", "cold"): {"kaniko": (15.02, 16.53, 65), "buildkit": (5.38, 4.92, 75)},
    ("runs", "warm"): {"buildkit": (1.62, 1.40, 82)},
    ("runs", "rebuild"): {"kaniko": (0.51, 0.20, 43), "buildkit": (0.09, 0.09, 78)},
    ("compile", "cold"): {"kaniko": (12.89, 13.28, 64), "buildkit": (4.35, 4.55, 140)},
    ("compile", "warm"): {"buildkit": (0.88, 0.89, 159)},
    ("compile", "rebuild"): {"kaniko": (13.59, 13.89, 43), "buildkit": (0.08, 0.07, 164)},
    ("files", "cold"): {"kaniko": (14.55, 13.65, 117), "buildkit": (10.80, 10.43, 288)},
    ("files", "warm"): {"buildkit": (8.13, 7.35, 335)},
    ("files", "rebuild"): {"kaniko": (19.93, 18.09, 106), "buildkit": (0.81, 0.80, 270)},
    ("large", "cold"): {"kaniko": (36.20, 18.57, 4142), "buildkit": (39.28, 28.20, 180)},
    ("large", "warm"): {"buildkit": (28.90, 21.85, 174)},
    ("large", "rebuild"): {"kaniko": (25.01, 21.18, 4140), "buildkit": (0.24, 0.10, 176)},
    ("app", "cold"): {"kaniko": (9.86, 10.39, 67), "buildkit": (4.24, 4.81, 173)},
    ("app", "warm"): {"buildkit": (0.95, 1.10, 133)},
    ("app", "rebuild"): {"kaniko": (1.27, 1.14, 47), "buildkit": (0.15, 0.17, 131)},
    ("app", "changed"): {"kaniko": (10.38, 10.62, 68), "buildkit": (0.30, 0.36, 132)},
}
