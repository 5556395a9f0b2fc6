/** The script that has a shell ask `telepresence __complete`; undefined for a shell that we do not know. */
export function completionScript(shell: string): string | undefined {
  return Object.entries(scripts).find(([name]) => name === shell)?.[1];
}

const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for telepresence
_telepresence() {
  local cur words word
  # COMP_WORDBREAKS may hold = and :, which would split --flag=value.
  local line=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=\${words[\${#words[@]}-1]}
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ $word == ":file" ]]; then
      # Of --flag=file only what follows is the word.
      [[ $cur == --*=* ]] && cur=\${cur#*=}
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
    fi
    COMPREPLY+=("$word")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  # What stands before the last word break is already on the line.
  if [[ $cur == *[=:]* && \${#COMPREPLY[@]} -gt 0 && $COMP_WORDBREAKS == *=* ]]; then
    local prefix=\${cur%"\${cur##*[=:]}"}
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
}
complete -F _telepresence telepresence
`,
  zsh: `#compdef telepresence
# zsh completion for telepresence
_telepresence() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == ":file" ]]; then
    compset -P '--*='
    _files
    return
  fi
  found=(\${found:#})
  (( \${#found} )) && compadd -Q -- "\${found[@]}"
}
if [[ "\${funcstack[1]}" == "_telepresence" ]]; then
  _telepresence "$@"
else
  compdef _telepresence telepresence
fi
`,
  fish: `# fish completion for telepresence
function __telepresence_complete
  set -l words (commandline -opc)
  set -l last (commandline -ct)
  for word in ($words[1] __complete -- $words[2..-1] "$last" 2>/dev/null)
    if test "$word" = ":file"
      set -l flag (string match -r -- '^--[^=]*=' $last)
      set -l begun (string replace -r -- '^--[^=]*=' '' $last)
      __fish_complete_path "$begun" | string replace -r '^' -- "$flag"
      return
    end
    echo $word
  end
end
complete -c telepresence -f -a '(__telepresence_complete)'
`,
  powershell: `# powershell completion for telepresence
Register-ArgumentCompleter -Native -CommandName telepresence -ScriptBlock {
  param($last, $ast, $position)
  $words = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  $before = @($words | Select-Object -Skip 1)
  if ($last -ne '' -and $before.Count -gt 0) { $before = @($before | Select-Object -SkipLast 1) }
  # An empty word has to be written so that it arrives.
  $asked = @('__complete', '--') + $before + @(if ($last -eq '') { '""' } else { $last })
  & $words[0] @asked 2>$null | Where-Object { $_ -ne ':file' } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
};
