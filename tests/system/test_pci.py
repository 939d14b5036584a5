"""Promise: functions are found on every root bus and after bridges, by ports and by ECAM."""
import pytest

PXB = ["-device", "pxb,id=root,bus_nr=128", "-device", "edu,bus=root",
       "-device", "pci-bridge,id=one,chassis_nr=1",
       "-device", "pci-bridge,id=two,bus=one,addr=3,chassis_nr=2",
       "-device", "edu,bus=two,addr=1f"]
PXB_PCIE = ["-machine", "q35", "-device", "pxb-pcie,id=root,bus_nr=128",
            "-device", "pcie-root-port,id=one,bus=root,chassis=1,slot=1", "-device", "edu,bus=one",
            "-device", "pcie-root-port,id=two,bus=pcie.0,chassis=2,slot=2",
            "-device", "edu,bus=two"]


@pytest.mark.parametrize("options, places", [(PXB, ["81:00.0", "83:1f.0"]),
                                             (PXB_PCIE, ["01:00.0", "81:00.0"])],
                         ids=["pxb", "pxb-pcie"])
def test_functions_after_bridges_and_on_further_root_buses(booted, options, places):
    machine = booted("", options=options)
    found = [line.split()[0] for line in machine.command("devices") if "1234:11e8" in line]
    assert sorted(found) == places
