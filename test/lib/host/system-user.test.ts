import { userInfo } from 'node:os'
import { expect, it, onTestFinished, vi } from 'vitest'
import { findInPasswd, findSystemUser } from '../../../src/lib/host/system-user.ts'

const passwd = `root:x:0:0:root:/root:/bin/bash
# a comment
+:::::
10:x:1000:1000::/home/ten:/bin/sh
ada:x:10:10:Ada:/home/ada:/bin/sh
`

it('the user of the process is the one of the system, whatever USER and HOME say', () => {
  const { username, homedir } = userInfo()
  onTestFinished(() => void vi.unstubAllEnvs())
  for (const name of ['USER', 'LOGNAME', 'HOME']) vi.stubEnv(name, '/changed')
  expect(findSystemUser()).toEqual({ name: username, home: homedir })
})

it('a user is found by the id in /etc/passwd', () => {
  expect(findInPasswd(passwd, 0)).toEqual({ name: 'root', home: '/root' })
  expect(findInPasswd(passwd, 10)).toEqual({ name: 'ada', home: '/home/ada' })
  expect(findInPasswd(passwd, 1)).toBeUndefined()
  expect(findInPasswd('', 0)).toBeUndefined()
})
