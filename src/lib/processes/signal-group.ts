import type { ChildProcess } from 'node:child_process'

/** Sends a signal to a process and its children. It must be the first of a process group. */
export function signalGroup(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, name)
  } catch {
    // No process of the group is left, or the system has no groups.
    child.kill(name)
  }
}
