# Benchmarks: four programs of the same commands (bench/bench.c), each on a subject of its own (bench/subject.h), and
# heap.c, to be preloaded.  `./dev bench` runs them by bench/run.py; a test looks at what can be counted exactly.
#
#   bench_engine   our engine through its own API
#   bench_ours     our <openssl/ssl.h>
#   bench_libssl   the same source file with BoringSSL's <openssl/ssl.h> and libssl, which stand beside the libcrypto
#                  that was found; without them there is nothing to compare with
#   bench_floor    the calls into libcrypto alone

set(HF_BENCH_LIBSSL "")
get_filename_component(bench_crypto_dir "${BoringSSL_CRYPTO_LIBRARY}" DIRECTORY)
find_library(BENCH_SSL_LIBRARY ssl PATHS ${bench_crypto_dir} NO_DEFAULT_PATH)
mark_as_advanced(BENCH_SSL_LIBRARY)

function(hf_bench name)
  add_executable(bench_${name} bench/bench.c ${ARGN})
  set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_compile_options(bench_${name} PRIVATE ${HF_WARNINGS})
  target_compile_definitions(bench_${name} PRIVATE HF_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_include_directories(bench_${name} PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()

hf_bench(engine bench/engine_bench.c)
target_link_libraries(bench_engine PRIVATE handfast_ssl_static BoringSSL::Crypto ${CMAKE_DL_LIBS})
hf_bench(ours bench/ssl_bench.c)
target_link_libraries(bench_ours PRIVATE handfast_ssl_static BoringSSL::Crypto ${CMAKE_DL_LIBS})
hf_bench(floor bench/floor_bench.c bench/floor.c)
target_link_libraries(bench_floor PRIVATE BoringSSL::Crypto ${CMAKE_DL_LIBS})
if(BENCH_SSL_LIBRARY)
  hf_bench(libssl bench/ssl_bench.c)
  target_link_libraries(bench_libssl PRIVATE ${BENCH_SSL_LIBRARY} BoringSSL::Crypto ${CMAKE_DL_LIBS})
endif()

add_library(bench_heap MODULE bench/heap.c)
set_target_properties(bench_heap PROPERTIES PREFIX "" OUTPUT_NAME heap
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
target_include_directories(bench_heap PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(bench_heap PRIVATE ${HF_WARNINGS} -fno-builtin)
