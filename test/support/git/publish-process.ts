import { systemClock } from '../../../src/lib/clock.ts'
import { publish } from '../../../src/deployments/git/publish.ts'
import { publishRequest } from './publish-requests.ts'

/** Publishes a file of a clone in a process of its own: `FOLDER FILE`. The hooks may kill it. */
const [folder = '', file = ''] = process.argv.slice(2)
const request = await publishRequest({ path: folder }, [file], { mode: 'push' })
const ports = { env: { ...process.env, RUN: String(process.pid) }, clock: systemClock, random: () => 0 }
await publish(request, ports, { signal: new AbortController().signal, notify: () => undefined })
