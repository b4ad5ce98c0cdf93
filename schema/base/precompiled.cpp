// Holds nothing: the precompiled header of all other sources is made beside it (CMakeLists.txt, MAINSTAY_PCH).
