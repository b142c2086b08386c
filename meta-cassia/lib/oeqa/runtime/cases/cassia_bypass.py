#
# SPDX-License-Identifier: MIT
#
"""The router image as it runs: bitbake -c testimage cassia-router-image-testing."""

import json
import time

from oeqa.core.decorator.depends import OETestDepends
from oeqa.runtime.case import OERuntimeTestCase
from oeqa.runtime.decorator.package import OEHasPackage

BUS = "com.cassianetworks.Bypass1"
PATH = "/com/cassianetworks/Bypass1"
STARTED = "f1027be41e953b09a2be214401c280c1"
SETTINGS_CHANGED = "0a64fd21c0cad5f74e772a85a4a4d255"


class CassiaBypassTest(OERuntimeTestCase):
    def run_ok(self, command):
        status, output = self.target.run(command)
        self.assertEqual(status, 0, "%s: %s" % (command, output))
        return output.strip()

    def refused(self, command):
        status, output = self.target.run(command)
        self.assertNotEqual(status, 0, "%s was not refused: %s" % (command, output))
        return output

    def eventually(self, what, look, limit=60):
        end = time.monotonic() + limit
        while not look():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(1)

    def property(self, interface, name):
        answer = self.run_ok("busctl --json=short get-property %s %s %s.%s %s" % (BUS, PATH, BUS, interface, name))
        return json.loads(answer)["data"]

    def call(self, method, arguments):
        return "busctl call %s %s %s.Config %s %s" % (BUS, PATH, BUS, method, arguments)

    def entries(self, message_id):
        lines = self.run_ok("journalctl --quiet --boot --output=json MESSAGE_ID=%s" % message_id)
        return [json.loads(line) for line in lines.splitlines()]

    def active(self, unit):
        return self.target.run("systemctl is-active %s" % unit)[1].strip() == "active"

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["cassia-bypass"])
    def test_service_runs_and_has_its_name(self):
        self.eventually("the service is active", lambda: self.active("cassia-bypass"))
        self.assertEqual(self.run_ok("systemctl is-enabled cassia-bypass"), "enabled")
        pid = self.run_ok("systemctl show --property=MainPID --value cassia-bypass")
        self.assertEqual(self.run_ok("busctl --json=short call org.freedesktop.DBus /org/freedesktop/DBus "
                                     "org.freedesktop.DBus GetConnectionUnixProcessID s %s" % BUS),
                         '{"type":"u","data":[%s]}' % pid)
        self.assertEqual(self.run_ok("stat -c %%U /proc/%s" % pid), "cassia-bypass")
        self.assertEqual(self.run_ok("systemctl show --property=NRestarts --value cassia-bypass"), "0")

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_service_runs_and_has_its_name"])
    def test_settings_are_set_and_kept(self):
        self.run_ok(self.call("Apply", "'a{sv}' 2 Host s broker.example ScanQos y 1"))
        self.assertIn("ScanQos", self.refused(self.call("Apply", "'a{sv}' 1 ScanQos y 3")))
        self.run_ok("systemctl restart cassia-bypass")
        self.assertEqual(self.property("Config", "Host"), "broker.example")
        self.assertEqual(self.property("Config", "ScanQos"), 1)
        self.run_ok(self.call("Reset", "as 0"))
        self.assertEqual(self.property("Config", "Host"), "")

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_service_runs_and_has_its_name"])
    def test_others_may_look_only(self):
        as_nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups "
        self.run_ok(as_nobody + "busctl get-property %s %s %s.Stats Health" % (BUS, PATH, BUS))
        self.assertIn("Access denied", self.refused(as_nobody + self.call("Reset", "as 0")))

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_service_runs_and_has_its_name"])
    def test_ledger_balances(self):
        ledger = self.property("Stats", "Ledger")
        into = ledger["Received"] + ledger["Recovered"]
        out = sum(ledger[key] for key in
                  ("Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"))
        self.assertEqual(into, out, ledger)

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_settings_are_set_and_kept"])
    def test_journal_has_what_it_did(self):
        self.assertTrue(self.entries(STARTED))
        changed = self.entries(SETTINGS_CHANGED)
        self.assertTrue(any("Host" in entry.get("PROPERTY", "") for entry in changed), changed)
        self.assertIn("Defined-By: cassia-bypass", self.run_ok("journalctl --dump-catalog %s" % STARTED))

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_service_runs_and_has_its_name"])
    def test_unit_is_confined(self):
        self.run_ok("systemd-analyze security --threshold=17 cassia-bypass.service")

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["cassia-router-conf-state"])
    def test_root_is_read_only_and_state_is_kept(self):
        self.refused("touch /usr/cassia-test")
        for where in ("/var/lib", "/var/log/journal", "/etc"):
            source = self.run_ok("findmnt --noheadings --output SOURCE --target %s" % where)
            self.assertRegex(source, r"^/dev/|^overlay|^/data/overlay-etc", where)
            self.run_ok("touch %s/cassia-test && rm %s/cassia-test" % (where, where))
        self.assertEqual(self.run_ok("findmnt --noheadings --output LABEL /data"), "state")
        self.run_ok("grep -q '^[0-9a-f]\\{32\\}$' /data/overlay-etc/upper/machine-id")
        self.run_ok("ls /var/log/journal/$(cat /etc/machine-id)/system.journal")

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["cassia-router-conf"])
    def test_time_is_synchronised_by_timesyncd(self):
        self.assertTrue(self.active("systemd-timesyncd"))
        self.assertIn("CanNTP=yes", self.run_ok("timedatectl show --property=CanNTP"))

    @OETestDepends(["ssh.SSHTest.test_ssh"])
    @OEHasPackage(["cassia-router-conf"])
    def test_bluez_has_our_configuration(self):
        command = self.run_ok("systemctl show --property=ExecStart --value bluetooth.service")
        configuration = command.split(" -f ")[1].split()[0]
        text = self.run_ok("cat %s" % configuration)
        for line in ("Experimental = true", "FilterDiscoverable = false"):
            self.assertIn(line, text)

    @OETestDepends(["cassia_bypass.CassiaBypassTest.test_service_runs_and_has_its_name"])
    @OEHasPackage(["cassia-bypass-ctl"])
    def test_command_line_shows_health(self):
        self.assertIn("Health", self.run_ok("cassia-bypassctl show"))
