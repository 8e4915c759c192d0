import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { runsOnBun } from './runtime.ts'

/** An entry of the system's list of users. */
export interface SystemUser {
  readonly name: string
  /** undefined if only the name is known */
  readonly home: string | undefined
}

/**
 * Returns the user of this process (the effective user id) as the system knows it. The variables
 * HOME and USER have no influence. Undefined if the system does not know the user id, as in many
 * containers.
 */
export function findSystemUser(): SystemUser | undefined {
  const uid = process.geteuid?.()
  // Bun takes the name and the home from the variables USER and HOME.
  if (runsOnBun && uid !== undefined) return findInPasswd(readOrEmpty('/etc/passwd'), uid) ?? askForUser()
  try {
    const { username, homedir } = userInfo()
    return { name: username, home: homedir }
  } catch {
    return undefined
  }
}

/** Returns the user with this id in the text of /etc/passwd (passwd(5)). */
export function findInPasswd(text: string, uid: number): SystemUser | undefined {
  for (const line of text.split('\n')) {
    const [name, , id, , , home] = line.split(':')
    if (id === String(uid) && name !== undefined && name !== '') return { name, home }
  }
  return undefined
}

/** Users of directory services, and those of macOS, are not in the file. */
function askForUser(): SystemUser | undefined {
  try {
    const name = execFileSync('/usr/bin/id', ['-un'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return name === '' ? undefined : { name, home: undefined }
  } catch {
    return undefined
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
