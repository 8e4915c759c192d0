type GitEnvironment = Readonly<Record<string, string | undefined>>

/**
 * Variables that name a repository, an index or a pathspec syntax. Git sets some of them for hooks:
 * dray in a hook would use the index of the commit in progress (`git rev-parse --local-env-vars`).
 */
const repositoryVariables: ReadonlySet<string> = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_CONFIG_PARAMETERS',
  'GIT_DIR',
  'GIT_EXTERNAL_DIFF',
  'GIT_GLOB_PATHSPECS',
  'GIT_GRAFT_FILE',
  'GIT_ICASE_PATHSPECS',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INDEX_VERSION',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NAMESPACE',
  'GIT_NOGLOB_PATHSPECS',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_PUSH_OPTION_COUNT',
  'GIT_QUARANTINE_PATH',
  'GIT_REFLOG_ACTION',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
])

/**
 * Returns the environment of a git process that never asks, opens no editor and no pager, and
 * finds its repository from its folder. Identity, credentials, signing and proxies are unchanged.
 * @param runsHooks the locale stays the user's, because hooks depend on its encoding; messages are
 * English in any case
 */
export function gitEnvironment(env: GitEnvironment, runsHooks: boolean): GitEnvironment {
  const own = Object.entries(env).filter(([name]) => !repositoryVariables.has(name))
  return {
    ...Object.fromEntries(own),
    GIT_TERMINAL_PROMPT: '0',
    GIT_EDITOR: ':',
    GIT_SEQUENCE_EDITOR: ':',
    GIT_MERGE_AUTOEDIT: 'no',
    GIT_PAGER: 'cat',
    GIT_LITERAL_PATHSPECS: '1',
    GCM_INTERACTIVE: 'never',
    LANGUAGE: 'C',
    ...(runsHooks ? {} : { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' }),
  }
}
