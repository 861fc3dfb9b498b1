// The host's log, for collectors, notifiers and steps that reach outside.
import { write } from 'huiyin:plugin/log@0.1.0';

export const debug = (message) => write('debug', String(message).toWellFormed());
export const info = (message) => write('info', String(message).toWellFormed());
export const warn = (message) => write('warn', String(message).toWellFormed());
export const error = (message) => write('error', String(message).toWellFormed());
