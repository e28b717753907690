# SPDX-License-Identifier: Apache-2.0
"""RoutersTest: real routers on both sides, as long as the tests of a class run."""

import shutil
import unittest

from lab_case import LabTest
from routers import FRR, Routers

HAS_ROUTERS = all(map(shutil.which, ("vtysh", "bird"))) and (FRR / "bgpd").exists()


@unittest.skipUnless(HAS_ROUTERS, "FRR or BIRD is not installed (scripts/install-deps)")
class RoutersTest(LabTest):
    DEVICES = ("af_xdp",)
    routers: Routers

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab.stop_daemon()
        cls.routers = Routers(cls.lab)
        cls.routers.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.routers.stop()
