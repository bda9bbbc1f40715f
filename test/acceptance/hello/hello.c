#include <stdio.h>

/* Its exit code is the number of its arguments times seven. */
int main(int argc, char **argv)
{
  (void)argv;
  puts("hello from Cygwin");
  return (argc - 1) * 7;
}
