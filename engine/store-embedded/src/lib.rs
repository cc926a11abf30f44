//! Store and Blobs in files: a segment log that is the write-ahead log, a memtable, redb.
