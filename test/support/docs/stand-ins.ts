import type { Oracle } from '../oracle.ts'
import { runCosign } from './cosign.ts'
import { runKubectl } from './kubectl.ts'
import type { NamedImage, StandIn, StandInPorts } from './stand-in.ts'
import { runTrivy } from './trivy.ts'
import { listenForScripts, type ScriptRequest, type ScriptResult } from '../warm/warm-protocol.ts'
import { standInScript } from '../warm/warm-script.ts'

const programs: Readonly<Record<string, StandIn>> = {
  cosign: runCosign,
  crane: runCrane,
  kubectl: runKubectl,
  trivy: runTrivy,
}

export interface StandIns {
  /** the text of each script, by the name of the program */
  readonly scripts: ReadonlyMap<string, string>
  close(): void
}

/**
 * Serves programs that work on the registries of a page: what they sign and report is real.
 * @param oracleOf the registry of a host in references
 */
export async function openStandIns(oracleOf: (host: string) => Promise<Oracle>): Promise<StandIns> {
  const { server, port } = await listenForScripts((request) => run(request, oracleOf))
  return {
    scripts: new Map(Object.keys(programs).map((name) => [name, standInScript(port, name)])),
    close: () => server.close(),
  }
}

/** Deletes a manifest; other commands print a token. */
async function runCrane(args: readonly string[], ports: StandInPorts): Promise<string> {
  const [command, reference = ''] = args
  if (command !== 'delete') return 'token\n'
  const { oracle, repository, manifest } = await ports.imageOf(reference)
  await oracle.delete(repository, manifest.digest)
  return ''
}

async function run(
  { args: [name = '', ...args], cwd }: ScriptRequest,
  oracleOf: (host: string) => Promise<Oracle>,
): Promise<ScriptResult> {
  try {
    const output = await programs[name]?.(args, { cwd, imageOf: (reference) => imageOf(reference, oracleOf) })
    return { code: 0, written: output === undefined || output === '' ? [] : [[1, output]] }
  } catch (error) {
    return { code: 1, written: [[2, `Error: ${name}: ${String(error)}\n`]] }
  }
}

async function imageOf(reference: string, oracleOf: (host: string) => Promise<Oracle>): Promise<NamedImage> {
  const [, host = '', repository = '', digest, tag = 'latest'] =
    /^([^/]+)\/(.+?)(?:@(sha256:\w+)|:([\w.-]+))?$/.exec(reference) ?? []
  const oracle = await oracleOf(host)
  const manifest = await oracle.manifest(repository, digest ?? tag)
  if (manifest === undefined) throw new Error(`${reference} does not exist`)
  return { oracle, repository, manifest }
}
