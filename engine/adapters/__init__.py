"""What touches the outside: providers of history now, brokers and exchanges later."""
