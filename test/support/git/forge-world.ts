import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitFolder, type GitWorld, gitWorld } from './git-world.ts'
import { inSmallShell } from './small-shell.ts'

/** A clone whose remote is an SSH URL of a server that this machine simulates. */
export interface ForgeWorld {
  readonly w: GitWorld
  readonly remote: GitFolder
  readonly clone: GitFolder
  /** the commands that a fake program got, one a line, arguments between tabs */
  calls(program: 'gh' | 'glab'): Promise<readonly string[]>
}

interface ForgeOptions {
  /** such as `git@github.com`; the path is `acme/deploy.git` */
  readonly host: string
  readonly files: Readonly<Record<string, string>>
  /** the fakes in PATH, and whether each is logged in */
  readonly gh?: boolean
  readonly glab?: boolean
}

const answers = {
  gh: '[{"url":"https://forge.test/acme/deploy/pull/7"}]',
  glab: '[{"web_url":"https://forge.test/acme/deploy/-/merge_requests/7","iid":7}]',
}

/** A program that records its arguments, lists no pull request, and one after it created it. */
function fakeProgram(name: 'gh' | 'glab', isLoggedIn: boolean): string {
  return `#!/bin/sh
for one; do printf '%s\\t' "$one" >> "$OUT/${name}.log"; done
printf '\\n' >> "$OUT/${name}.log"
case "$2" in
  status) exit ${isLoggedIn ? 0 : 1} ;;
  list) if [ -e "$OUT/${name}.open" ]; then echo '${answers[name]}'; else echo '[]'; fi ;;
  create) if [ -e "$OUT/${name}.fails" ]; then echo "no https://u:s3cret@forge.test" >&2; exit 1; fi; : > "$OUT/${name}.open" ;;
esac
`
}

const fakeSsh = `#!/bin/sh
for last; do :; done
cd "$OUT" && eval "exec git \${last#git-}"
`

export async function forgeWorld(options: ForgeOptions): Promise<ForgeWorld> {
  const plain = await gitWorld({ random: () => 0 })
  const bin = join(plain.folder, 'bin')
  await mkdir(bin)
  // No gh and no glab of this machine is in PATH.
  await symlink(await inSmallShell(plain.folder, plain.env, 'command -v git'), join(bin, 'git'))
  const program = async (name: string, script: string): Promise<void> => {
    await writeFile(join(bin, name), script)
    await chmod(join(bin, name), 0o755)
  }
  await program('ssh', fakeSsh)
  for (const name of ['gh', 'glab'] as const) {
    const isLoggedIn = options[name]
    if (isLoggedIn !== undefined) await program(name, fakeProgram(name, isLoggedIn))
  }
  const env = {
    ...plain.env,
    PATH: bin,
    GIT_SSH: join(bin, 'ssh'),
    GIT_SSH_VARIANT: 'simple',
    OUT: plain.folder,
  }
  const w = { ...plain, env, ports: { ...plain.ports, env } }
  const remote = await plain.remote(options.files, 'acme/deploy.git')
  await remote.git('config', 'receive.advertisePushOptions', 'true')
  const { path } = await plain.clone(remote)
  const clone = plain.at(path, env)
  await clone.git('remote', 'set-url', 'origin', `${options.host}:acme/deploy.git`)
  const calls: ForgeWorld['calls'] = async (name) => {
    const text = await readFile(join(plain.folder, `${name}.log`), 'utf8').catch(() => '')
    return text.split('\t\n').slice(0, -1)
  }
  return { w, remote, clone, calls }
}
