# SPDX-License-Identifier: Apache-2.0
"""The daemon ends cleanly, or not at all cleanly, and starts again on the same interfaces."""

import os
import signal

from lab_case import LabTest
from evidence import ping, warm_up
from scene import MANAGEMENT, ROUTER, VNET_HOST


class Lifecycle(LabTest):
    def assert_forwards(self) -> None:
        warm_up(self.lab)
        self.assertTrue(ping(self.lab, "contoso", VNET_HOST).all_answered)
        self.assertTrue(ping(self.lab, "adatum", VNET_HOST).all_answered)

    def test_a_second_start_forwards_like_the_first(self) -> None:
        self.assertEqual(self.lab.stop_daemon(), 0)
        self.assertFalse(self.lab.socket.exists(), "the socket outlived the daemon")
        self.lab.start_daemon()
        self.assert_forwards()

    def test_a_killed_daemon_leaves_nothing_in_the_way_of_the_next(self) -> None:
        for pid in self.lab.pids(ROUTER):
            os.kill(pid, signal.SIGKILL)
        # As a supervisor would: the next starts when the last thread of this one is gone.
        self.assertEqual(self.lab.stop_daemon(), -signal.SIGKILL)
        self.lab.start_daemon()
        self.assert_forwards()

    def test_untagged_frames_stay_with_the_kernel(self) -> None:
        # An untagged neighbour of the edge port pings the machine that the router runs on.
        self.assertTrue(ping(self.lab, "provider-primary", MANAGEMENT[ROUTER]).all_answered)
