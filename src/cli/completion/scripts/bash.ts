/**
 * The completion script for bash 3.2 and later, without the package bash-completion.
 *
 * Readline splits words at `:`, `=` and `@` (COMP_WORDBREAKS) and replaces only the part after the
 * last of them, which is `$2`. The script joins the parts that have no blank between them, and
 * removes from each candidate the beginning that readline keeps on the line.
 */
export const bashScript = String.raw`# Completion of dray for bash.
_dray() {
  local IFS=$' \t\n' line=${'$'}{COMP_LINE:0:COMP_POINT} word before instruction= i
  local -a words=()
  # The line and the part can be missing if a function calls this one.
  [[ -n $line ]] || line=${'$'}{COMP_WORDS[*]:0:COMP_CWORD+1}
  local part=${'$'}{2-${'$'}{COMP_WORDS[COMP_CWORD]}}
  for ((i = 0; i < COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    before=${'$'}{line%%"$word"*}
    line=${'$'}{line#"$before$word"}
    if ((i == 0)) || [[ $before == *[[:blank:]]* ]]; then
      words+=("$word")
    else
      words[${'$'}{#words[@]} - 1]+=$word
    fi
  done
  # The rest of the line is the word at the cursor, or its last part.
  word=${'$'}{line#"${'$'}{line%%[![:blank:]]*}"}
  if [[ $line != [[:blank:]]* ]] && ((${'$'}{#words[@]} > 1)); then
    i=$((${'$'}{#words[@]} - 1))
    word=${'$'}{words[i]}$word
    unset "words[i]"
  fi
  word=${'$'}{word#[\"\']}
  COMPREPLY=()
  local kept=${'$'}{word%"$part"}
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      instruction=$line
    else
      line=${'$'}{line%%$'\t'*}
      COMPREPLY+=("${'$'}{line#"$kept"}")
    fi
  done < <(dray __complete --word="$word" -- "${'$'}{words[@]:1}" 2>/dev/null)
  compopt -o nosort 2>/dev/null
  case $instruction in
    :files | :folders)
      before=${'$'}{part%"${'$'}{part#*=}"}
      [[ $part == oci:* ]] && before=oci:
      if [[ -z $before && $instruction == :files ]] && compopt -o default 2>/dev/null; then
        return 0
      fi
      [[ $instruction == :files ]] && i=-f || i=-d
      while IFS= read -r line; do
        COMPREPLY+=("$before$line")
      done < <(compgen $i -- "${'$'}{part#"$before"}")
      compopt -o filenames 2>/dev/null
      ;;
    :continue) compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}
complete -F _dray dray
`
