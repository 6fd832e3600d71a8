-- One step of SCAN on the node that holds KEYS[1]: a script is sent where its key is, a bare SCAN anywhere.
return redis.pcall('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
