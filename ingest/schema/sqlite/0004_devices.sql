-- Who a device is: its hardware address, its addresses, what it calls itself. Devices that reached an AI service alone.

CREATE TABLE device (
    sensor       TEXT NOT NULL,
    device       TEXT NOT NULL,
    last_seen    INTEGER NOT NULL,
    site         TEXT NOT NULL,
    mac          TEXT NOT NULL,
    private_mac  INTEGER NOT NULL,
    addresses    TEXT NOT NULL,    -- JSON list of addresses
    host_name    TEXT,
    vendor_class TEXT,
    source       TEXT NOT NULL,    -- dhcp, dhcp6, arp, ndp, frame
    first_seen   INTEGER NOT NULL,
    PRIMARY KEY (sensor, device, last_seen)
) WITHOUT ROWID;
CREATE INDEX device_by_time ON device (site, last_seen);
